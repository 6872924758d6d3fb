package io.kestra.plugin.azure.runner;

import io.kestra.core.models.property.Property;

import java.util.List;

/** Makes properties in one way for all versions: {@code Property.ofValue} is new in Kestra 0.22, and {@code Property.of} is gone in 2.0. */
final class Properties {
    private Properties() {
    }

    /** @param value a list, or something whose text is what a flow would say: a number, a duration, a constant of an enum */
    static <T> Property<T> ofValue(T value) {
        String expression = value instanceof List ? Json.MAPPER.valueToTree(value).toString() : value.toString();
        return Property.<T>builder().expression(expression).value(value).build();
    }
}
