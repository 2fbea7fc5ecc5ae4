// The JDK's own HTTP server and client under OpenTelemetry's agent: nothing in it knows of tracing.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

class App {
  static void answer(HttpExchange exchange, int status) throws IOException {
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }

  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(System.getenv("PORT"));
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.createContext("/items/", exchange -> answer(exchange, exchange.getRequestURI().getPath().endsWith("/0") ? 500 : 200));
    server.createContext("/carts/", exchange -> {
      String id = exchange.getRequestURI().getPath().substring(7);
      HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("STOCK") + "/items/" + id)).build();
      try {
        answer(exchange, client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode());
      } catch (InterruptedException error) {
        answer(exchange, 503);
      }
    });
    server.start();
  }
}
