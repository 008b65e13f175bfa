/** The job by which services are scaled. */
export const scaleJob = 'service-scale';
