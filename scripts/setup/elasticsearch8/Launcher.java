package org.elasticsearch.node;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.plugins.MockPluginsService;
import org.elasticsearch.plugins.PluginsLoader;
import org.elasticsearch.plugins.PluginsService;
import org.elasticsearch.transport.netty4.Netty4Plugin;
import org.elasticsearch.xpack.Missing;

/**
 * Starts one Elasticsearch 8 or 9 node from the class path. Arguments: setting=value. In the package of Node, whose parts it
 * puts together itself: this skips the bootstrap checks, which refuse root, and the modules, which Maven Central does not have.
 */
public final class Launcher {
  public static void main(String[] args) throws Exception {
    LogConfigurator.configureESLogging();
    Settings.Builder settings = Settings.builder();
    for (String arg : args) {
      int equals = arg.indexOf('=');
      settings.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    Path config = Path.of(settings.get("path.home"), "config");
    Environment environment = InternalSettingsPreparer.prepareEnvironment(settings.build(), Map.of(), config, () -> "node");
    Node node = new Node(NodeConstruction.prepareConstruction(environment, null, new NodeServiceProvider() {
      @Override
      PluginsService newPluginService(Environment initial, PluginsLoader loader) {
        return new MockPluginsService(initial.settings(), initial, List.of(Netty4Plugin.class, Missing.class));
      }
    }, false));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        node.prepareForClose();
        node.close();
        node.awaitClose(10, TimeUnit.SECONDS);
      } catch (Exception error) {
        throw new RuntimeException(error);
      }
    }));
    node.start();
    Thread.currentThread().join();
  }
}
