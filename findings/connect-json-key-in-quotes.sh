#!/usr/bin/env bash
# Kafka Connect's JsonConverter writes a text key with quotes around it, which sends it to another partition.
#
# version:  Apache Kafka Connect 4.3.1 (connect-json), Java 17
# expected: a connector whose key is the text shop writes the bytes shop, and so lands in the partition where producers
#           with a string serializer put that key.
# is:       the key is a JSON document, "shop" with quotes, and murmur2 of six bytes is another partition. A value that
#           is a document already (an outbox table) becomes a JSON text that holds escaped JSON; a decimal becomes
#           base64.
# seen:     key by StringConverter: shop, partition 0 of 12
#           key by JsonConverter: "shop", partition 6 of 12
#           value {"a": 1} by JsonConverter: "{\"a\": 1}"
#           decimal 12.34 by JsonConverter: "BNI="
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > pom.xml <<'XML'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>connect</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-json</artifactId><version>4.3.1</version></dependency>
  </dependencies>
</project>
XML
timeout 600 mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=jars > mvn.log 2>&1
cat > Finding.java <<'JAVA'
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.StringConverter;

class Finding {
    static String bytes(Converter converter, Schema schema, Object value) {
        return new String(converter.fromConnectData("orders", schema, value), StandardCharsets.UTF_8);
    }

    static int partition(String key) { // as the producer does it
        return Utils.toPositive(Utils.murmur2(key.getBytes(StandardCharsets.UTF_8))) % 12;
    }

    public static void main(String[] arguments) {
        Converter plain = new StringConverter();
        plain.configure(Map.of(), true);
        Converter json = new JsonConverter();
        json.configure(Map.of("schemas.enable", "false"), true);
        String asText = bytes(plain, Schema.STRING_SCHEMA, "shop");
        String asJson = bytes(json, Schema.STRING_SCHEMA, "shop");
        System.out.printf("key by StringConverter: %s, partition %d of 12%n", asText, partition(asText));
        System.out.printf("key by JsonConverter: %s, partition %d of 12%n", asJson, partition(asJson));
        System.out.println("value {\"a\": 1} by JsonConverter: " + bytes(json, Schema.STRING_SCHEMA, "{\"a\": 1}"));
        String decimal = bytes(json, Decimal.schema(2), new BigDecimal("12.34"));
        System.out.println("decimal 12.34 by JsonConverter: " + decimal);
        System.exit(asJson.equals("\"shop\"") && partition(asJson) != partition(asText) ? 0 : 1);
    }
}
JAVA
timeout 120 java -XX:TieredStopAtLevel=1 -cp "jars/*" Finding.java 2> java.log
