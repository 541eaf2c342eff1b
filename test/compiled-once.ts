/**
 * PGlite is nine megabytes of WebAssembly. A database that lives for a few seconds never earns what compiling its busiest
 * functions a second time costs, which is a third of the processor time of opening one. A server lives long, and does it.
 */
export const compiledOnce = ['--no-wasm-dynamic-tiering', '--no-wasm-tier-up']
