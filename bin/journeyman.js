#!/usr/bin/env node
import './check-node.js'

const { enableCompileCache } = await import('node:module')
enableCompileCache?.()
await import('../src/main.ts')
