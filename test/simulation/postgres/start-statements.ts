/** store/starts.ts and store/children.ts: executions begin, and parents hear of their children's ends. */
import { OVERDUE_PARENTS } from '../../../src/store/overdue-parents.js';
import { FIND_CHILD, START_CHILD } from '../../../src/store/sql/children.js';
import { START } from '../../../src/store/sql/start.js';
import {
  list,
  type Mirror,
  number,
  optionalText,
  type Row,
  type Statement,
  text,
  texts,
} from './statement.js';
import { type ExecutionRow, isStopping } from './tables.js';
import { wakeWith } from './waking.js';

type Beginning = Pick<ExecutionRow, 'id' | 'machine' | 'name' | 'input'> & Partial<ExecutionRow>;

/** ON CONFLICT DO NOTHING: undefined when its name, or its parent's call, is taken. */
function insert({ db, changes, nowMs }: Statement, beginning: Beginning): ExecutionRow | undefined {
  const { machine, name, parentId, parentKey } = beginning;
  const version = db.machines.get(machine);
  const nameKey = `${machine}\n${name}`;
  const callKey = `${String(parentId)}\n${String(parentKey)}`;
  const isChild = typeof parentKey === 'string';
  if (version === undefined || db.names.has(nameKey) || (isChild && db.children.has(callKey)))
    return undefined;
  const row: ExecutionRow = {
    version: version.version,
    status: 'RUNNING',
    output: null,
    error: null,
    cause: null,
    startMs: nowMs,
    endMs: null,
    queue: version.queue,
    owner: null,
    epoch: 0,
    wakeMs: nowMs,
    inboxSeq: 0,
    snapshot: null,
    snapshotSeq: 0,
    faults: 0,
    recoveries: 0,
    pausedMs: null,
    parentId: null,
    parentFrame: null,
    parentKey: null,
    depth: 0,
    notifyParent: false,
    redriveCount: 0,
    ...beginning,
  };
  changes.put(db.executions, row.id, row);
  changes.put(db.names, nameKey, row.id);
  if (isChild) changes.put(db.children, callKey, row.id);
  return row;
}

export const startStatements: readonly Mirror[] = [
  {
    of: 'START',
    text: START,
    run: (statement) => {
      const { values, db } = statement;
      const [ids, machines, names, inputs] = values;
      const inserted = texts(ids).flatMap((id, n): Row[] => {
        const row = insert(statement, {
          id,
          machine: text(list(machines)[n]),
          name: text(list(names)[n]),
          input: text(list(inputs)[n]),
        });
        if (row === undefined) return [];
        return [
          { id, machine: null, version: row.version, queue: row.queue, start_time: new Date(row.startMs) },
        ];
      });
      const known = [...new Set(texts(machines))].filter((machine) => db.machines.has(machine));
      return [...inserted, ...known.map((machine) => ({ id: null, machine }))];
    },
  },
  {
    of: 'findByNames',
    text: 'FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) k (state_machine_id, name)',
    run: ({ values, db }) =>
      texts(values[0]).flatMap((machine, n) => {
        const row = db.executions.get(db.names.get(`${machine}\n${text(list(values[1])[n])}`) ?? '');
        if (row === undefined) return [];
        const { id, name, input, queue, status, version } = row;
        return [{ executionId: id, stateMachineId: machine, name, input, queue, status, version }];
      }),
  },
  {
    of: 'START_CHILD',
    text: START_CHILD,
    run: (statement) => {
      const [id, machine, name, input, parentId, parentFrame, parentKey, notify, depthMax] = statement.values;
      const depth = statement.db.executions.get(text(parentId))?.depth ?? 0;
      if (depth >= number(depthMax)) return [];
      const row = insert(statement, {
        id: text(id),
        machine: text(machine),
        name: text(name),
        input: text(input),
        parentId: text(parentId),
        parentFrame: number(parentFrame),
        parentKey: text(parentKey),
        depth: depth + 1,
        notifyParent: notify === true,
      });
      return row === undefined ? [] : [foundRow(row)];
    },
  },
  {
    of: 'startChild: the depth',
    text: 'SELECT depth FROM executions WHERE id = $1',
    run: ({ values, db }) => {
      const row = db.executions.get(text(values[0]));
      return row === undefined ? [] : [{ depth: row.depth }];
    },
  },
  {
    of: 'FIND_CHILD',
    text: FIND_CHILD,
    run: ({ values, db }) => {
      const [parentId, key, machine, name] = values;
      const own = db.children.get(`${text(parentId)}\n${text(key)}`);
      const namesake = db.names.get(`${text(machine)}\n${text(name)}`);
      return [own, namesake].flatMap((id, n) => {
        const row = db.executions.get(id ?? '');
        return row === undefined ? [] : [{ ...foundRow(row), own: n === 0 }];
      });
    },
  },
  {
    of: 'findRunningChild',
    text: 'SELECT id FROM executions WHERE parent_id = $1 AND parent_key = $2 AND notify_parent',
    run: ({ values, db }) => {
      const row = db.executions.get(db.children.get(`${text(values[0])}\n${text(values[1])}`) ?? '');
      return row === undefined || !row.notifyParent || row.endMs !== null ? [] : [{ id: row.id }];
    },
  },
  {
    of: 'READ_ENDED',
    text: 'AND e.notify_parent AND e.end_time IS NOT NULL AND e.parent_key IS NOT NULL',
    run: ({ values, db }) =>
      texts(values[0]).flatMap((id) => {
        const row = db.executions.get(id);
        if (row === undefined || !row.notifyParent || row.endMs === null || row.parentKey === null) return [];
        const { name, machine, status, input, output, error, cause, parentFrame, parentKey } = row;
        const what = {
          id,
          name,
          state_machine_id: machine,
          type: 'STANDARD',
          status,
          input,
          output,
          error,
          cause,
        };
        return [
          {
            ...what,
            start_ms: row.startMs,
            stop_ms: row.endMs,
            parent_frame: parentFrame,
            parent_key: parentKey,
          },
        ];
      }),
  },
  {
    of: 'tellParents: TELL',
    text: 'UPDATE executions c SET notify_parent = false WHERE c.id = $1',
    locks: ({ values, db }) => {
      const row = db.executions.get(text(values[0]));
      if (row === undefined || !row.notifyParent || row.parentId === null) return [];
      return [{ key: `execution:${row.id}` }, { key: `execution:${row.parentId}` }];
    },
    run: (statement) => {
      const { values, db, changes } = statement;
      const row = db.executions.get(text(values[0]));
      if (row === undefined || !row.notifyParent || row.endMs === null || row.parentId === null) return [];
      changes.update(row, { notifyParent: false });
      const woken = wakeWith(statement, row.parentId, 'childEnded', text(values[1]));
      return woken['woken_id'] === null ? [] : [woken];
    },
  },
  {
    of: 'untoldChildren',
    text: 'SELECT id FROM executions WHERE notify_parent AND end_time IS NOT NULL ORDER BY id LIMIT $1',
    run: ({ db }) =>
      [...db.executions.values()]
        .filter(({ notifyParent, endMs }) => notifyParent && endMs !== null)
        .map(({ id }) => id)
        .sort()
        .map((id) => ({ id })),
  },
  {
    of: 'orphanedChildren',
    text: "WHERE i.execution_id = c.id AND i.kind = 'stop') AS orphan",
    run: ({ values, db }) =>
      [...db.executions.values()]
        .filter(({ id, notifyParent, endMs }) => notifyParent && endMs === null && id > text(values[0]))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, number(values[1]))
        .map(({ id, parentId }) => {
          const parent = db.executions.get(optionalText(parentId) ?? '');
          return { id, orphan: parent !== undefined && parent.endMs !== null && !isStopping(db, id) };
        }),
  },
  {
    of: 'overdueParents',
    text: OVERDUE_PARENTS,
    run: ({ values, db, nowMs }) => {
      const page = [...db.executions.values()]
        .filter(({ id, notifyParent, endMs }) => notifyParent && endMs === null && id > text(values[0]))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, number(values[1]));
      const overdue = page.flatMap(({ parentId }) => {
        const parent = db.executions.get(parentId ?? '');
        if (parent === undefined || parent.endMs !== null || parent.owner !== null) return [];
        return parent.wakeMs !== null && parent.wakeMs <= nowMs - 1_000 ? [parent.id] : [];
      });
      const parents = overdue.length === 0 ? null : [...new Set(overdue)];
      return [{ last: page.at(-1)?.id ?? null, looked: page.length, parents }];
    },
  },
];

function foundRow(row: ExecutionRow): Row {
  const { id, name, queue, input, startMs } = row;
  return { id, name, queue, type: 'STANDARD', input, running: row.endMs === null, start_ms: startMs };
}
