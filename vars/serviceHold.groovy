/** Keeps a service from being scaled for a while. */
Map call(Map options = [:]) {
    return homeostat(command: 'hold', parameters: options)
}
