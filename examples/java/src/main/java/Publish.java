import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Publishes one execution. */
public class Publish {
    public static void main(String[] arguments) throws Exception {
        var brokers = System.getenv().getOrDefault("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092");
        var topic = System.getenv().getOrDefault("TOPIC", "tracehound.executions.v1");
        var execution = """
            {"application": "shop", "operation": "GET /cart", "started_at": %d, "duration_ms": 120.5}"""
            .formatted(System.currentTimeMillis() / 1000);
        Map<String, Object> settings = Map.of("bootstrap.servers", brokers);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(topic, "shop", execution)).get();
        }
    }
}
