import type { ServiceDescription } from './description';

const hidden = '***';

/** The description as it may be shown: without passwords and keys. */
export function withoutSecrets(description: ServiceDescription): ServiceDescription {
  const { proxy } = description;
  return {
    ...description,
    proxy: {
      ...proxy,
      users: proxy.users.map((user) => ({ ...user, password: hidden })),
      ...(proxy.serviceCertificate === undefined ? {} : { serviceCertificate: hidden }),
    },
  };
}
