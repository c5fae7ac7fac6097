/** A function that does nothing: what is measured is what is around it. */
export default { noop: (input) => input };
