import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.codelibs.opensearch.runner.node.OpenSearchRunnerNode;
import org.opensearch.common.settings.Settings;
import org.opensearch.common.util.concurrent.ThreadContext;
import org.opensearch.core.rest.RestStatus;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.ActionPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.rest.BytesRestResponse;
import org.opensearch.rest.RestHandler;

/** Starts one OpenSearch node from the class path. Arguments: setting=value. Skips the bootstrap checks, which refuse root. */
public final class Launcher {
  /** Version 3 calls them `…ModulePlugin`, version 2 `…Plugin`. */
  private static final List<String> MODULES = List.of("transport.Netty4", "analysis.common.CommonAnalysis", "ingest.common.IngestCommon",
      "painless.Painless", "index.mapper.MapperExtras", "index.reindex.Reindex");

  public static void main(String[] args) throws Exception {
    Settings.Builder settings = Settings.builder();
    for (String arg : args) {
      int equals = arg.indexOf('=');
      settings.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    Path config = Path.of(settings.get("path.home"), "config");
    Environment environment = InternalSettingsPreparer.prepareEnvironment(settings.build(), Map.of(), config, () -> "node");
    List<Class<? extends Plugin>> plugins = new ArrayList<>(List.of(Guard.class));
    for (String module : MODULES) plugins.add(find("org.opensearch." + module));
    Node node = new OpenSearchRunnerNode(environment, plugins);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        node.close();
      } catch (java.io.IOException error) {
        throw new java.io.UncheckedIOException(error);
      }
    }));
    node.start();
    Thread.currentThread().join();
  }

  private static Class<? extends Plugin> find(String name) throws ClassNotFoundException {
    try {
      return Class.forName(name + "ModulePlugin").asSubclass(Plugin.class);
    } catch (ClassNotFoundException older) {
      return Class.forName(name + "Plugin").asSubclass(Plugin.class);
    }
  }

  /** Basic authentication: `-Dtest.auth=user:password`. */
  public static final class Guard extends Plugin implements ActionPlugin {
    @Override
    public UnaryOperator<RestHandler> getRestHandlerWrapper(ThreadContext context) {
      String authorized = System.getProperty("test.auth");
      if (authorized == null) return null;
      String expected = "Basic " + Base64.getEncoder().encodeToString(authorized.getBytes(StandardCharsets.UTF_8));
      String body = "{\"error\":{\"type\":\"security_exception\",\"reason\":\"missing or wrong authentication credentials\"},\"status\":401}";
      return handler -> (request, channel, client) -> {
        if (expected.equals(request.header("authorization"))) handler.handleRequest(request, channel, client);
        else channel.sendResponse(new BytesRestResponse(RestStatus.UNAUTHORIZED, "application/json", body));
      };
    }
  }
}
