import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.elasticsearch.analysis.common.CommonAnalysisPlugin;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.mapper.MapperExtrasPlugin;
import org.elasticsearch.index.reindex.ReindexPlugin;
import org.elasticsearch.ingest.common.IngestCommonPlugin;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.painless.PainlessPlugin;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BytesRestResponse;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.transport.Netty4Plugin;

/** Starts one Elasticsearch node from the class path. Arguments: setting=value. Skips the bootstrap checks, which refuse root. */
public final class Launcher extends Node {
  private Launcher(Environment environment, Collection<Class<? extends Plugin>> plugins) {
    super(environment, plugins, false);
  }

  public static void main(String[] args) throws Exception {
    Settings.Builder settings = Settings.builder();
    for (String arg : args) {
      int equals = arg.indexOf('=');
      settings.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    Path config = Path.of(settings.get("path.home"), "config");
    Environment environment = InternalSettingsPreparer.prepareEnvironment(settings.build(), Map.of(), config, () -> "node");
    Node node = new Launcher(environment, Arrays.asList(Netty4Plugin.class, CommonAnalysisPlugin.class,
        IngestCommonPlugin.class, PainlessPlugin.class, MapperExtrasPlugin.class, ReindexPlugin.class, Guard.class));
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
