import { systemClock } from '../../runner/common/clock';
import { MasterSocket } from '../../runner/agent/haproxy/master-socket';

/** Asks HAProxy's master process. */
export const createSocketAsk = (file: string) => (command: string) =>
  new MasterSocket(file, systemClock).ask(command, new AbortController().signal, 5000);
