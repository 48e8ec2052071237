/** Texts that `build.mjs` puts in. */
declare module "keyfold:wasm" {
  /** The WebAssembly in base64. */
  const module: string;
  export default module;
}
declare module "keyfold:recovery" {
  /** The second WebAssembly in base64. */
  const module: string;
  export default module;
}
declare module "keyfold:worker" {
  /** The worker's script. */
  const script: string;
  export default script;
}
