// Publish publishes one execution.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func or(name, value string) string {
	if found := os.Getenv(name); found != "" {
		return found
	}
	return value
}

func main() {
	brokers := strings.Split(or("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"), ",")
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	value, err := json.Marshal(map[string]any{
		"application": "shop",
		"operation":   "GET /cart",
		"started_at":  float64(time.Now().UnixMilli()) / 1000,
		"duration_ms": 120.5,
	})
	if err != nil {
		log.Fatal(err)
	}
	record := &kgo.Record{Topic: or("TOPIC", "tracehound.executions.v1"), Key: []byte("shop"), Value: value}
	if err := client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
		log.Fatal(err)
	}
}
