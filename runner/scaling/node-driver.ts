import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { run } from '../common/process';

/** What is to be done with the machines of the Swarm. */
export interface NodeOrder {
  action: 'add' | 'remove';
  role: 'worker' | 'manager';
  /** How many, and how many there are then. */
  count: number;
  wanted: number;
  /** Host names of those to be removed; they are drained. */
  nodes: readonly string[];
}

/** Adds and removes machines: whatever knows the cloud or the hypervisor. */
export interface NodeDriver {
  /** @throws NODE_SCALER_FAILED */
  order(order: NodeOrder, context: Context): Promise<void>;
}

/** Machines take their time. */
const limit = 600_000;

/**
 * The driver that HOMEOSTAT_NODE_SCALER names: `command:PROGRAM` gets the order as JSON on its standard input and ends
 * with 0; an http or https address gets it by POST, with the token of HOMEOSTAT_NODE_SCALER_TOKEN.
 * @throws NODE_SCALER_FAILED when it is not set, USAGE_INVALID when it is wrong
 */
export function nodeDriver({ env }: Context): NodeDriver {
  const setting = env.HOMEOSTAT_NODE_SCALER?.trim();
  if (!setting) return fail('NODE_SCALER_FAILED', 'nothing is set that adds and removes nodes');
  const program = /^command:(\S+)$/.exec(setting)?.[1];
  if (program) return { order: (order, context) => runProgram(program, order, context) };
  if (/^https?:\/\/\S+$/.test(setting)) return { order: (order, context) => post(setting, order, context) };
  return fail('USAGE_INVALID', `HOMEOSTAT_NODE_SCALER is '${setting.slice(0, 80)}'`, {
    remedy: 'Write command:/path/of/a/program, or an http or https address.',
  });
}

async function runProgram(program: string, order: NodeOrder, { env, cwd, signal, log }: Context): Promise<void> {
  const onOutput = (text: string) => log.debug(text.trimEnd());
  const options = { env, cwd, signal, timeout: limit, input: `${JSON.stringify(order)}\n`, onOutput };
  const { code, stdout, stderr } = await run(program, [], options);
  if (code === 0) return;
  fail('NODE_SCALER_FAILED', `${program} ended with ${code}`, { evidence: lastLines(`${stdout}\n${stderr}`) });
}

const lastLines = (text: string) => text.split('\n').filter(Boolean).slice(-10);

async function post(url: string, order: NodeOrder, { env, signal }: Context): Promise<void> {
  const { default: axios } = await import('axios');
  const token = env.HOMEOSTAT_NODE_SCALER_TOKEN;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    await axios.post(url, order, { headers, timeout: limit, signal, maxRedirects: 0 });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    fail('NODE_SCALER_FAILED', 'the address that adds and removes nodes refused', { cause: messageOf(error) });
  }
}
