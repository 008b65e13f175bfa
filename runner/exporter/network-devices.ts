import { isTold, type InterfaceReading } from './reading';

/** The interfaces in the text of /proc/PID/net/dev (https://man7.org/linux/man-pages/man5/proc_pid_net.5.html). */
export function networkDevices(text: string): InterfaceReading[] {
  return text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim();
    const numbers = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    if (!name || !isTold(name) || numbers.length < 12 || numbers.some((number) => !Number.isFinite(number))) return [];
    const traffic = (from: number) => ({
      bytes: numbers[from]!,
      packets: numbers[from + 1]!,
      errors: numbers[from + 2]!,
      dropped: numbers[from + 3]!,
    });
    return [{ name, receive: traffic(0), transmit: traffic(8) }];
  });
}
