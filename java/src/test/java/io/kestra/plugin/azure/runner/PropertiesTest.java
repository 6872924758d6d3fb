package io.kestra.plugin.azure.runner;

import io.kestra.core.models.property.Property;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

class PropertiesTest {
    /** Every kind of value that a property of the plugin has as its default. */
    static Stream<Object> values() {
        return Stream.of(true, 0, -1, ElevationLevel.NON_ADMIN, Duration.ofHours(1), Duration.ofMillis(250), List.of(""), List.of("a \"b\" ü", "c"), List.of());
    }

    @ParameterizedTest
    @MethodSource("values")
    void a_property_is_the_one_that_kestra_itself_makes_of_the_value(Object value) {
        assertThat(Properties.ofValue(value)).usingRecursiveComparison().isEqualTo(Property.ofValue(value));
    }
}
