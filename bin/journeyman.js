#!/usr/bin/env node
import './check-node.js'

const { keepCompiled } = await import('./compile-cache.js')
keepCompiled()
await import('../src/main.ts')
