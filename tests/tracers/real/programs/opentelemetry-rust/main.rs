//! axum with a layer that makes spans of requests (LAYER: tower-http's, or axum-tracing-opentelemetry's), and reqwest.
use axum::{Router, extract::Path, http::StatusCode, routing::get};
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use std::env::var;
use tower_http::trace::{DefaultMakeSpan, MakeSpan, TraceLayer};
use tracing::{Instrument, Level, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// tower-http's own span, below that of the caller.
fn request_span(request: &axum::extract::Request) -> tracing::Span {
    let span = DefaultMakeSpan::new().level(Level::INFO).make_span(request);
    let parent = global::get_text_map_propagator(|all| all.extract(&HeaderExtractor(request.headers())));
    let _ = span.set_parent(parent);
    span
}

#[tracing::instrument]
async fn item(Path(id): Path<String>) -> StatusCode {
    match id.as_str() {
        "0" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    }
}

#[tracing::instrument]
async fn cart(Path(id): Path<String>) -> StatusCode {
    let url = format!("{}/items/{id}", var("STOCK").unwrap());
    let mut request = reqwest::Client::new().get(&url).build().unwrap();
    let span = info_span!(
        "GET",
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        http.request.method = "GET",
        url.full = url,
        server.address = "127.0.0.1",
        server.port = request.url().port(),
        http.response.status_code = tracing::field::Empty,
    );
    global::get_text_map_propagator(|all| all.inject_context(&span.context(), &mut HeaderInjector(request.headers_mut())));
    let answer = reqwest::Client::new().execute(request).instrument(span.clone()).await.unwrap();
    span.record("http.response.status_code", answer.status().as_u16());
    if answer.status().as_u16() >= 400 {
        span.record("otel.status_code", "ERROR");
    }
    answer.status()
}

#[tokio::main]
async fn main() {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder().with_http().build().unwrap();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let filter = EnvFilter::new("info,tower_http=debug,otel::tracing=trace");
    // (Without locations: paths of the machine that built it are not to be recorded.)
    let spans = tracing_opentelemetry::layer().with_location(false).with_tracer(provider.tracer("app"));
    tracing_subscriber::registry().with(filter).with(spans).init();
    let routes = Router::new().route("/items/{id}", get(item)).route("/carts/{id}", get(cart));
    let app = match var("LAYER").as_deref() {
        Ok("axum-tracing-opentelemetry") => routes.layer(OtelAxumLayer::default()),
        _ => routes.layer(TraceLayer::new_for_http().make_span_with(request_span)),
    };
    let address = format!("127.0.0.1:{}", var("PORT").unwrap());
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
