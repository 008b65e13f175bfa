/** Puts an earlier release of the service back. */
Map call(Map options = [:]) {
    return homeostat(command: 'rollback', parameters: options)
}
