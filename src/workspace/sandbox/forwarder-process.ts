import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'

/**
 * Runs inside the sandbox, whose own network has nothing but a loopback: listens there, hands every connection to the
 * proxy's socket, and runs the command as its child once it listens. The proxy decides; nothing here is trusted.
 */
const [port, socketPath, program, ...args] = process.argv.slice(2)

const server = createServer({ allowHalfOpen: true }, (client) => {
  const proxy = connect({ path: String(socketPath), allowHalfOpen: true })
  client.pipe(proxy)
  proxy.pipe(client)
  client.on('error', () => proxy.destroy())
  proxy.on('error', () => client.destroy())
})
server.maxConnections = 128

server.listen(Number(port), '127.0.0.1', () => {
  const command = spawn(String(program), args, { stdio: 'inherit' })
  command.on('error', () => process.exit(127))
  command.on('exit', (code) => process.exit(code ?? 128 + 9))
})
