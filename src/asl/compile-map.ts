import { isObject, type Json, type JsonObject } from '../std/json.js';
import { common, limit, referencePath, retried, shaping, transition } from './compile-parts.js';
import { jsonataTemplate, payloadTemplate, templateIn } from './compile-template.js';
import type {
  DistributedMap,
  ItemBatcher,
  ItemReader,
  MapState,
  QueryLanguage,
  ResultWriter,
  StateGroup,
  Template,
} from './definition.js';
import { Fields } from './fields.js';
import { makeLabel } from './labels.js';

interface MapCompiler {
  language: QueryLanguage;
  /** The labels that are taken in the whole machine; one that is made is added. */
  labels: Set<string>;
  processor(group: Json | undefined): StateGroup;
}

/** Compiles a validated Map state. */
export function compileMap(
  name: string,
  fields: Fields,
  { language, labels, processor }: MapCompiler,
): MapState {
  const group = fields.any('ItemProcessor') ?? fields.any('Iterator');
  const distributed = processorConfig(group)['Mode'] === 'DISTRIBUTED';
  return {
    type: 'Map',
    ...common(name, fields, language),
    ...transition(fields),
    ...shaping(fields),
    ...retried(fields, language),
    itemProcessor: processor(group),
    itemsPath: referencePath(fields, 'ItemsPath'),
    items: language === 'JSONata' ? jsonataTemplate(fields, 'Items') : undefined,
    itemSelector:
      templateIn(language, fields, 'ItemSelector') ??
      (language === 'JSONPath' ? templateIn(language, fields, 'Parameters') : undefined),
    resultSelector: payloadTemplate(fields, 'ResultSelector'),
    maxConcurrency: limit(fields, language, 'MaxConcurrency') ?? 0,
    toleratedFailureCount: limit(fields, language, 'ToleratedFailureCount'),
    toleratedFailurePercentage: limit(fields, language, 'ToleratedFailurePercentage'),
    distributed: distributed
      ? {
          label: fields.text('Label') ?? makeLabel(name, labels),
          ...compileDistributed(fields, language, group),
        }
      : undefined,
  };
}

/** ProcessorConfig of an ItemProcessor; `{}` when there is none. */
function processorConfig(group: Json | undefined): JsonObject {
  const config = isObject(group) ? group['ProcessorConfig'] : undefined;
  return isObject(config) ? config : {};
}

function compileDistributed(
  fields: Fields,
  language: QueryLanguage,
  group: Json | undefined,
): Omit<DistributedMap, 'label'> {
  const [reader, batcher, writer] = [
    fields.inner('ItemReader'),
    fields.inner('ItemBatcher'),
    fields.inner('ResultWriter'),
  ];
  return {
    executionType: processorConfig(group)['ExecutionType'] === 'EXPRESS' ? 'EXPRESS' : 'STANDARD',
    itemReader: reader && compileReader(reader, language),
    itemBatcher: batcher && compileBatcher(batcher, language),
    resultWriter: writer && compileWriter(writer, language),
  };
}

function compileReader(reader: Fields, language: QueryLanguage): ItemReader {
  const { MaxItems, MaxItemsPath, ...config } = reader.inner('ReaderConfig')?.source ?? {};
  const limits = new Fields(
    { ...(MaxItems !== undefined && { MaxItems }), ...(MaxItemsPath !== undefined && { MaxItemsPath }) },
    'ReaderConfig',
  );
  return {
    resource: reader.needText('Resource'),
    parameters: requestOf(reader, language, 'ItemReader/'),
    config: configOf(config, language, 'ReaderConfig', 'ItemReader/'),
    maxItems: limit(limits, language, 'MaxItems', 'ItemReader/ReaderConfig/'),
  };
}

function compileBatcher(batcher: Fields, language: QueryLanguage): ItemBatcher {
  return {
    maxItemsPerBatch: limit(batcher, language, 'MaxItemsPerBatch', 'ItemBatcher/'),
    maxInputBytesPerBatch: limit(batcher, language, 'MaxInputBytesPerBatch', 'ItemBatcher/'),
    batchInput: templateIn(language, batcher, 'BatchInput', 'ItemBatcher/'),
  };
}

function compileWriter(writer: Fields, language: QueryLanguage): ResultWriter {
  return {
    resource: writer.text('Resource'),
    parameters: requestOf(writer, language, 'ResultWriter/'),
    config: configOf(writer.inner('WriterConfig')?.source ?? {}, language, 'WriterConfig', 'ResultWriter/'),
  };
}

/** What the call of a Resource is asked for. */
function requestOf(fields: Fields, language: QueryLanguage, at: string): Template | undefined {
  return templateIn(language, fields, language === 'JSONata' ? 'Arguments' : 'Parameters', at);
}

function configOf(config: JsonObject, language: QueryLanguage, name: string, at: string): Template {
  const template = templateIn(language, new Fields({ [name]: config }, name), name, at);
  if (template === undefined) throw new TypeError(`${name} must be there`);
  return template;
}
