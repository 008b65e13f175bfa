/** Builds the image of the service. */
Map call(Map options = [:]) {
    return homeostat(command: 'build', parameters: options)
}
