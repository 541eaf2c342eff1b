import { BlockList, isIP } from 'node:net'

/** Whether an address lies in the open internet: neither of this machine, nor of its network, nor reserved. */
export const isPublicAddress = (address: string): boolean => {
  if (isIP(address) === 4) return !reserved().check(address, 'ipv4')
  // Outside of 2000::/3 lie loopback, link-local, private, and the ways to write an IPv4 address as an IPv6 one.
  if (isIP(address) === 6) return globalUnicast().check(address, 'ipv6') && !reserved().check(address, 'ipv6')
  return false
}

const globalUnicast = (): BlockList => listOf([['2000::', 3]], 'ipv6')

const reserved = (): BlockList => listOf(reservedV6, 'ipv6', listOf(reservedV4, 'ipv4'))

const listOf = (networks: [string, number][], family: 'ipv4' | 'ipv6', list = new BlockList()): BlockList => {
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family)
  return list
}

const reservedV4: [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** Teredo and its neighbours, 6to4 and the documentation's networks. */
const reservedV6: [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]
