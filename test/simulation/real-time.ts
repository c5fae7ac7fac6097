/** The process's own timers and clock, before the simulation puts others in their place. */
export const realSetImmediate = setImmediate;
export const realSetTimeout = setTimeout;
export const realNow = performance.now.bind(performance);
