// Publish one execution.
import { Kafka, Partitioners } from "kafkajs";

const kafka = new Kafka({ brokers: (process.env.KAFKA_BOOTSTRAP_SERVERS ?? "localhost:9092").split(",") });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
const execution = {
  application: "shop",
  operation: "GET /cart",
  started_at: Date.now() / 1000,
  duration_ms: 120.5,
};

await producer.connect();
await producer.send({
  topic: process.env.TOPIC ?? "tracehound.executions.v1",
  messages: [{ key: execution.application, value: JSON.stringify(execution) }],
});
await producer.disconnect();
