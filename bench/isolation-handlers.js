/** Handlers whose calls are counted: one that costs nothing, one that waits 20 ms, one that computes 2 ms. */
export default {
  small: (order) => ({ fields: Object.keys(order).length }),
  waits: (order) => new Promise((resolve) => setTimeout(resolve, 20, { fields: Object.keys(order).length })),
  computes(order) {
    for (const end = performance.now() + 2; performance.now() < end; );
    return { fields: Object.keys(order).length };
  },
};
