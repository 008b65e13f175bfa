import { messageOf } from '../common/errors';
import type { Certificate, ProxiedService, ProxyInput, ProxyOutput, ProxySettings } from '../proxy/model';
import { renderProxy } from '../proxy/render';

/**
 * Renders one instance of the proxy. A defect in the renderer that one service brings out must not keep the others from
 * being served: that service is found and left out.
 */
export function renderInstance(
  services: ProxiedService[],
  certificates: Certificate[],
  settings: ProxySettings,
  render: (input: ProxyInput) => ProxyOutput = renderProxy,
): ProxyOutput {
  const input = (some: ProxiedService[]): ProxyInput => ({ services: some, certificates, settings });
  try {
    return render(input(services));
  } catch (error) {
    const failures = new Map(
      services.flatMap((service) => {
        const problem = failureOf(() => render(input([service])));
        return problem === undefined ? [] : [[service, problem]];
      }),
    );
    if (failures.size === 0) throw error;
    const output = render(input(services.filter((service) => !failures.has(service))));
    const refusals = [...failures].map(([{ description }, problem]) => ({
      service: description.name,
      severity: 'error' as const,
      message: `its configuration cannot be made, which is a defect in Homeostat: ${problem}`,
    }));
    return { ...output, refusals: [...output.refusals, ...refusals] };
  }
}

function failureOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
