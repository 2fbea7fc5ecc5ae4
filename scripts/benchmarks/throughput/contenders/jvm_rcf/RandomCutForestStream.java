import com.amazon.randomcutforest.RandomCutForest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Contender: a Kafka Streams processor with one Random Cut Forest per application in memory and one count per
 * application in a state store with its changelog. Arguments: bootstrap servers, topic, application id, state folder.
 * Prints how many executions it has scored and learned.
 */
public final class RandomCutForestStream {
    private static final String STORE = "scored";
    private static final int REPORT_MS = 50;
    private static final AtomicLong DONE = new AtomicLong();

    private RandomCutForestStream() {}

    public static void main(String[] arguments) throws InterruptedException {
        Topology topology = new Topology();
        topology.addSource("executions", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), arguments[1]);
        topology.addProcessor("score", Score::new, "executions");
        topology.addStateStore(
            Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(STORE), Serdes.String(), Serdes.Long()), "score");
        KafkaStreams streams = new KafkaStreams(topology, settings(arguments[0], arguments[2], arguments[3]));
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        while (true) {
            System.out.println(DONE.get());
            Thread.sleep(REPORT_MS);
        }
    }

    private static Properties settings(String bootstrap, String application, String folder) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, folder);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        return settings;
    }

    private static final class Score implements Processor<String, byte[], Void, Void> {
        private final ObjectMapper json = new ObjectMapper();
        private final Map<String, RandomCutForest> forests = new HashMap<>();
        private KeyValueStore<String, Long> scored;

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            scored = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<String, byte[]> record) {
            JsonNode execution = parse(record.value());
            String application = execution.get("application").textValue();
            RandomCutForest forest = forests.computeIfAbsent(application, name -> newForest());
            float[] point = features(execution);
            forest.getAnomalyScore(point);
            forest.update(point);
            Long before = scored.get(application);
            scored.put(application, before == null ? 1 : before + 1);
            DONE.incrementAndGet();
        }

        private JsonNode parse(byte[] value) {
            try {
                return json.readTree(value);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }

        private static RandomCutForest newForest() {
            return RandomCutForest.builder().dimensions(4).randomSeed(1).build();
        }

        private static float[] features(JsonNode execution) {
            JsonNode segments = execution.get("segments");
            double longest = 0;
            for (JsonNode segment : segments) {
                longest = Math.max(longest, segment.get("duration_ms").doubleValue());
            }
            boolean failed = "error".equals(execution.path("status").textValue());
            return new float[] {
                (float) Math.min(1.0, execution.get("duration_ms").doubleValue() / 1000),
                (float) Math.min(1.0, segments.size() / 20.0),
                (float) Math.min(1.0, longest / 1000),
                failed ? 1 : 0,
            };
        }
    }
}
