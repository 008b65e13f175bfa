export { ensureRunnerImage, imageExists } from './images';
import type { Context } from '../common/context';
import { runnerImage } from './images';

/** Name of the runner's image on an Engine that has it. */
export const runnerImageName = async (context: Context): Promise<string> => (await runnerImage(context)).name;
