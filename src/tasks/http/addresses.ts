/**
 * Where a call may go. A workflow's author, or who writes its input, must not reach what only this machine can reach
 * (server-side request forgery): a metadata service, a database, an admin page. So addresses that are not public are
 * refused, unless the operator's list has them.
 */
import { BlockList, isIP } from 'node:net';

export interface AddressPolicy {
  /**
   * `public`: anybody's address. `allowed`: the operator's list has the host or the address. `refused`: neither.
   * @param host as the URL has it; `address` as it was resolved to.
   */
  judge(host: string, address: string): 'public' | 'allowed' | 'refused';
}

/**
 * @param allow CIDR blocks, addresses, hosts, and `*.domain` for the hosts below a domain. What is none of them
 * allows nothing.
 */
export function createAddressPolicy(allow: readonly string[]): AddressPolicy {
  const blocks = new BlockList();
  const hosts = new Set<string>();
  const domains: string[] = [];
  for (const entry of allow) {
    const [address = '', prefix] = entry.split('/');
    const family = isIP(address);
    if (family !== 0)
      blocks.addSubnet(address, Number(prefix ?? (family === 4 ? 32 : 128)), versionOf(family));
    else if (entry.startsWith('*.')) domains.push(entry.slice(1).toLowerCase());
    else hosts.add(entry.toLowerCase());
  }
  return {
    judge: (host, given) => {
      const address = withoutZone(given);
      const family = isIP(address);
      if (family === 0) return 'refused';
      // A dot at the end names the same host.
      const name = host.toLowerCase().replace(/\.$/, '');
      if (hosts.has(name) || domains.some((domain) => name.endsWith(domain))) return 'allowed';
      if (blocks.check(address, versionOf(family))) return 'allowed';
      return isPublic(address, family) ? 'public' : 'refused';
    },
  };
}

function isPublic(address: string, family: number): boolean {
  if (family === 4) return !SPECIAL.check(address, 'ipv4');
  // Of IPv6 only 2000::/3 is given out to anybody; so mapped, translated, unique local and link-local ones are not.
  return GLOBAL.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6');
}

/** `fe80::1%eth0`. */
function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}

/** https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry. */
const SPECIAL = blockList([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Not in the registry, which calls it public: within Azure it is the machine's own host, with its secrets
  // (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
  '168.63.129.16/32',
  // Within 2000::/3: protocols' own, Teredo and 6to4 (an IPv4 address in disguise), documentation.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
]);

const GLOBAL = blockList(['2000::/3']);

function versionOf(family: number): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6';
}

function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', prefix] = subnet.split('/');
    list.addSubnet(address, Number(prefix), versionOf(isIP(address)));
  }
  return list;
}
