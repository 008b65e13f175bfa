/** Who administers Jenkins besides the people of system.yml, who may be none. */
export const administrator = 'admin';
