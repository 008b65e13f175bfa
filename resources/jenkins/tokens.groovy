import groovy.json.JsonSlurperClassic
import hudson.model.User
import jenkins.security.ApiTokenProperty

/**
 * Gives the users that are programs the API tokens that stand in their secrets; Configuration as Code has no key for
 * that. Runs at each start and reload: a token that is there stays, and one that was replaced is void.
 */
Map site = new JsonSlurperClassic().parse(new File(System.getenv('HOMEOSTAT_JOBS') ?: '/etc/homeostat/jobs.json'), 'UTF-8')
File secrets = new File(System.getenv('SECRETS') ?: '/run/secrets')

for (Map entry in site.tokens) {
    def property = User.getById(entry.user, true).getProperty(ApiTokenProperty)
    String token = new File(secrets, entry.secret).getText('UTF-8').trim()
    if (!property.tokenStore.findMatchingToken(token)) {
        property.tokenList.findAll { it.name == 'casc' }.each { property.revokeToken(it.uuid) }
        property.addFixedNewToken('casc', token)
    }
}
