import type { SandboxKind } from '../contract.ts'

/** Where things are, seen from inside. The mount targets lie in folders that only we can write. */
export const insidePaths = {
  worktree: '/workspace',
  home: '/home/agent',
  tools: '/run/journeyman',
  node: '/run/journeyman/node/bin/node',
  npm: '/run/journeyman/node/lib/node_modules/npm',
  ripgrep: '/run/journeyman/rg',
  fileServer: '/run/journeyman/file-server-process.mjs',
  forwarder: '/run/journeyman/forwarder-process.mjs',
  probe: '/run/journeyman/self-test-probe.mjs',
  proxy: '/run/journeyman/proxy',
} as const

export const forwarderPort = 3128

/** The whole environment of a command, built from nothing: what is not named here, no command ever sees. */
export const commandEnvironment = (place: {
  kind: SandboxKind
  home: string
  nodeFolder: string
  proxied: boolean
}): Record<string, string> => ({
  PATH: `${place.nodeFolder}:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin`,
  HOME: place.home,
  USER: 'agent',
  LOGNAME: 'agent',
  SHELL: '/bin/bash',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
  NO_COLOR: '1',
  CI: 'true',
  PAGER: 'cat',
  GIT_TERMINAL_PROMPT: '0',
  npm_config_update_notifier: 'false',
  npm_config_fund: 'false',
  JOURNEYMAN_SANDBOX: place.kind,
  ...(place.proxied && proxyEnvironment),
})

const proxy = `http://127.0.0.1:${forwarderPort}`

const proxyEnvironment: Record<string, string> = {
  http_proxy: proxy,
  https_proxy: proxy,
  HTTP_PROXY: proxy,
  HTTPS_PROXY: proxy,
  no_proxy: 'localhost,127.0.0.1,::1',
  NO_PROXY: 'localhost,127.0.0.1,::1',
  npm_config_proxy: proxy,
  npm_config_https_proxy: proxy,
  NODE_USE_ENV_PROXY: '1',
}
