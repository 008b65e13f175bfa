/** Pushes the image of the service to its registry. */
Map call(Map options = [:]) {
    return homeostat(command: 'push', parameters: options)
}
