package org.elasticsearch.xpack;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.indices.breaker.CircuitBreakerService;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.plugins.ScriptPlugin;
import org.elasticsearch.plugins.interceptor.RestServerActionPlugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestInterceptor;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.script.ScriptContext;
import org.elasticsearch.script.ScriptEngine;
import org.elasticsearch.script.UpdateScript;
import org.elasticsearch.telemetry.TelemetryProvider;
import org.elasticsearch.usage.UsageService;

/** Stands for what a distribution has and Maven Central has not: `GET /`, basic authentication, and a script language. */
public final class Missing extends Plugin implements RestServerActionPlugin, ScriptPlugin {
  private static final String AUTHORIZED = System.getProperty("test.auth");

  @Override
  public RestInterceptor getRestHandlerInterceptor(ThreadContext context) {
    String expected = AUTHORIZED == null ? null
        : "Basic " + Base64.getEncoder().encodeToString(AUTHORIZED.getBytes(StandardCharsets.UTF_8));
    return (request, channel, handler, listener) -> {
      boolean allowed = expected == null || expected.equals(request.header("authorization"));
      if (!allowed) {
        String reason = "missing or wrong authentication credentials";
        String body = "{\"error\":{\"type\":\"security_exception\",\"reason\":\"" + reason + "\"},\"status\":401}";
        channel.sendResponse(new RestResponse(RestStatus.UNAUTHORIZED, "application/json", body));
      }
      listener.onResponse(allowed);
    };
  }

  @Override
  public RestController getRestController(RestInterceptor interceptor, NodeClient client, CircuitBreakerService breakers,
      UsageService usage, TelemetryProvider telemetry) {
    RestController controller = new RestController(interceptor, client, breakers, usage, telemetry);
    controller.registerHandler(new Root());
    return controller;
  }

  @Override
  public ScriptEngine getScriptEngine(Settings settings, java.util.Collection<ScriptContext<?>> contexts) {
    return new Adding();
  }
}

final class Root extends BaseRestHandler {
  @Override
  public String getName() {
    return "root";
  }

  @Override
  public List<Route> routes() {
    return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
  }

  @Override
  protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
    String body = "{\"name\":\"node-1\",\"cluster_name\":\"logstash-ts\",\"version\":{\"number\":\""
        + Build.current().version() + "\",\"build_flavor\":\"default\"},\"tagline\":\"You Know, for Search\"}";
    return channel -> channel.sendResponse(new RestResponse(RestStatus.OK, "application/json", body));
  }
}

/** Runs update scripts `ctx._source.<field> += params.<variable>.<field>`, and takes no others. */
final class Adding implements ScriptEngine {
  @Override
  public String getType() {
    return "painless";
  }

  @Override
  public Set<ScriptContext<?>> getSupportedContexts() {
    return Set.of(UpdateScript.CONTEXT);
  }

  @Override
  public <F> F compile(String name, String code, ScriptContext<F> context, Map<String, String> options) {
    var parts = java.util.regex.Pattern.compile("ctx\\._source\\.(\\w+) \\+= params\\.(\\w+)\\.\\1").matcher(code);
    if (!parts.matches()) throw new IllegalArgumentException("cannot compile [" + code + "]");
    UpdateScript.Factory factory = (params, ctx) -> new UpdateScript(params, ctx) {
      @Override
      public void execute() {
        var source = ctx.getSource();
        Number added = (Number) ((Map<?, ?>) params.get(parts.group(2))).get(parts.group(1));
        Number before = (Number) source.getOrDefault(parts.group(1), 0);
        source.put(parts.group(1), before.longValue() + added.longValue());
      }
    };
    return context.factoryClazz.cast(factory);
  }
}
