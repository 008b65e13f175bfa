/** Names of the jobs of the system's own parts; those of services have the service's name. */
export const containerJob = 'homeostat-containers';
export const nodeJob = 'homeostat-nodes';
export const proxyJob = 'homeostat-proxy';
export const controllerJob = 'homeostat-controller';
export const registryJob = 'homeostat-registry';
export const jobServerJob = 'homeostat-jobs';
export const prometheusJob = 'homeostat-prometheus';
export const alertmanagerJob = 'homeostat-alertmanager';
/** The one of all targets that come from the controller; each brings its own name. */
export const targetsJob = 'services';
export const outsideJob = 'outside';
