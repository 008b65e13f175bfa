import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import t from 'tap';
import { defaultAddress } from '../../runner/system/swarm-init';
import { realContext } from '../lab/context';

t.test('the address that a Swarm advertises is one of this machine, or left to the Engine', async (t) => {
  const own = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []);
  const address = await defaultAddress(realContext({ env: {} }));
  t.ok(address === undefined || (isIPv4(address) && own.includes(address)), `${address}`);
});

t.test('an Engine on another machine chooses itself', async (t) => {
  for (const DOCKER_HOST of ['tcp://10.0.0.1:2375', 'ssh://admin@10.0.0.1'])
    t.equal(await defaultAddress(realContext({ env: { DOCKER_HOST } })), undefined);
});
