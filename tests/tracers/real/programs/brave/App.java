// The JDK's own HTTP server and client with Brave, its defaults: one span id for both sides of a call.
import brave.Span;
import brave.Tracer;
import brave.Tracing;
import brave.propagation.TraceContext;
import brave.propagation.TraceContextOrSamplingFlags;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import zipkin2.reporter.Encoding;
import zipkin2.reporter.brave.AsyncZipkinSpanHandler;
import zipkin2.reporter.urlconnection.URLConnectionSender;

class App {
  interface Handler {
    int handle(String id) throws Exception;
  }

  static Tracer tracer;
  static TraceContext.Extractor<HttpExchange> extractor;

  static void serve(HttpServer server, String path, Handler handler) {
    server.createContext("/" + path + "/", exchange -> {
      TraceContextOrSamplingFlags given = extractor.extract(exchange);
      Span span = given.context() != null ? tracer.joinSpan(given.context()) : tracer.nextSpan(given);
      span.kind(Span.Kind.SERVER).name("GET /" + path + "/{id}").tag("http.method", "GET");
      span.tag("http.route", "/" + path + "/{id}").tag("http.path", exchange.getRequestURI().getPath()).start();
      try (Tracer.SpanInScope scope = tracer.withSpanInScope(span)) {
        int status = handler.handle(exchange.getRequestURI().getPath().substring(path.length() + 2));
        if (status >= 400) span.tag("http.status_code", "" + status).tag("error", "" + status);
        exchange.sendResponseHeaders(status, -1);
      } catch (Exception error) {
        span.error(error);
      } finally {
        exchange.close();
        span.finish();
      }
    });
  }

  public static void main(String[] arguments) throws Exception {
    Encoding encoding = Encoding.valueOf(System.getenv().getOrDefault("ENCODING", "JSON"));
    URLConnectionSender sender = URLConnectionSender.newBuilder()
        .endpoint(System.getenv("CAPTURE") + "/api/v2/spans").encoding(encoding).compressionEnabled(false).build();
    Tracing tracing = Tracing.newBuilder().localServiceName(System.getenv("ROLE"))
        .addSpanHandler(AsyncZipkinSpanHandler.newBuilder(sender).build()).build();
    tracer = tracing.tracer();
    extractor = tracing.propagation().extractor((exchange, name) -> exchange.getRequestHeaders().getFirst(name));
    TraceContext.Injector<HttpRequest.Builder> injector =
        tracing.propagation().injector((builder, name, value) -> builder.setHeader(name, value));
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 0);
    serve(server, "items", id -> id.equals("0") ? 500 : 200);
    serve(server, "carts", id -> {
      URI address = URI.create(System.getenv("STOCK") + "/items/" + id);
      Span span = tracer.nextSpan().kind(Span.Kind.CLIENT).name("GET").tag("http.method", "GET");
      span.tag("http.path", address.getPath()).remoteServiceName("stock");
      HttpRequest.Builder request = HttpRequest.newBuilder(address);
      injector.inject(span.context(), request);
      span.start();
      int status = client.send(request.build(), HttpResponse.BodyHandlers.discarding()).statusCode();
      if (status >= 400) span.tag("http.status_code", "" + status).tag("error", "" + status);
      span.finish();
      return status;
    });
    server.start();
  }
}
