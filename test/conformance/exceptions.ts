/** Cases that cannot pass, by id, each with its reason; `docs/conformance.md` shows them. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {};
