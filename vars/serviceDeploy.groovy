/** Deploys the stack of the service and watches the rollout to its end. */
Map call(Map options = [:]) {
    return homeostat(command: 'deploy', parameters: options)
}
