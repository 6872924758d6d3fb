package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.TypeFactory;
import com.fasterxml.jackson.databind.util.LRUMap;
import com.fasterxml.jackson.databind.util.LookupCache;

/** Reads and writes the JSON documents that Java and Rust exchange. */
final class Json {
    private static final int CACHED_TYPES = 64;

    /** It has its own cache of types: Jackson's shared one would keep the plugin's class loader in memory. */
    static final ObjectMapper MAPPER = JsonMapper.builder().typeFactory(TypeFactory.defaultInstance().withCache(cache())).build();

    private Json() {
    }

    private static LookupCache<Object, JavaType> cache() {
        return new LRUMap<>(CACHED_TYPES, CACHED_TYPES);
    }
}
