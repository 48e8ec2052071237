/** The release. The WebAssembly module must be of the same one: a test compares both with `package.json`. */
export const VERSION = "0.1.0";
