package io.kestra.plugin.azure.runner.flows;

import java.util.Map;

/** The database of an engine. All engines of a process share the default one, and so run each other's flows. */
final class Database {
    private Database() {
    }

    /** Returns the settings of an engine whose database is at this JDBC URL of H2. */
    static Map<String, Object> at(String url) {
        return Map.of(
            "datasources.h2.url", url,
            "datasources.h2.username", "sa",
            "datasources.h2.password", "",
            "datasources.h2.driver-class-name", "org.h2.Driver",
            // Kestra 1 only.
            "flyway.datasources.h2.enabled", true,
            "flyway.datasources.h2.locations", "classpath:migrations/h2",
            "flyway.datasources.h2.ignore-migration-patterns", "*:missing,*:future",
            "flyway.datasources.h2.out-of-order", true
        );
    }
}
