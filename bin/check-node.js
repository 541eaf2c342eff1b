// Plain JavaScript on purpose: an old Node dies on a .ts file before any check in it could run.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    `Journeyman needs Node 24 or later, and this is Node ${process.versions.node}. ` +
      'Run it through npm ("npm start", "npm run demo"): npm ci installs a Node 24 of its own on Linux and Windows. ' +
      'Elsewhere install Node 24.\n',
  )
  process.exit(3)
}
