import type { Frame } from './frame.js';

/**
 * The format in which this code writes frames, and the latest that it reads. It is raised with whatever a worker of the
 * release before would misread: a phase, a field that matters, a kind of signal.
 */
export const FRAME_FORMAT = 1;

/** An execution has frames of a later format: this process is older than the one that advanced it last. */
export class LaterFormat extends Error {
  override readonly name = 'LaterFormat';
  readonly format: number;

  constructor(frameId: number, format: number) {
    super(`frame ${frameId} has format ${format}, known is ${FRAME_FORMAT}`);
    this.format = format;
  }
}

/** @throws LaterFormat */
export function assertKnownFormat({ id, v }: Frame): void {
  if (v !== FRAME_FORMAT) throw new LaterFormat(id, v);
}
