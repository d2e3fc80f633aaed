import com.amazonaws.auth.AWSCredentialsProvider;
import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.services.kinesis.clientlibrary.interfaces.v2.IRecordProcessor;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.InitialPositionInStream;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.KinesisClientLibConfiguration;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.ShutdownReason;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.Worker;
import com.amazonaws.services.kinesis.clientlibrary.types.InitializationInput;
import com.amazonaws.services.kinesis.clientlibrary.types.ProcessRecordsInput;
import com.amazonaws.services.kinesis.clientlibrary.types.ShutdownInput;
import com.amazonaws.services.kinesis.metrics.impl.NullMetricsFactory;
import com.amazonaws.services.kinesis.model.Record;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A KCL 1.x worker that writes a line for every record it is given. Arguments: Kinesis URL, DynamoDB URL, stream, table, worker
 * id, file for the lines. Properties: `checkpointAt`, the count of records after which it checkpoints for the only time, in place
 * of after each batch; `maxLeases`; `initialPosition`.
 */
public class ReferenceWorker implements IRecordProcessor {
  private static final int CHECKPOINT_AT = Integer.getInteger("checkpointAt", 0);
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static PrintStream lines;

  public static void main(String[] arguments) throws IOException {
    lines = new PrintStream(new FileOutputStream(arguments[5]), true, "UTF-8");
    AWSCredentialsProvider credentials =
        new AWSStaticCredentialsProvider(new BasicAWSCredentials("test", "test"));
    KinesisClientLibConfiguration configuration =
        new KinesisClientLibConfiguration(arguments[3], arguments[2], credentials, arguments[4])
            .withKinesisEndpoint(arguments[0])
            .withDynamoDBEndpoint(arguments[1])
            .withRegionName("us-east-1")
            .withFailoverTimeMillis(3000)
            .withMaxLeasesForWorker(Integer.getInteger("maxLeases", Integer.MAX_VALUE))
            .withIdleTimeBetweenReadsInMillis(300)
            .withParentShardPollIntervalMillis(1000)
            .withShardSyncIntervalMillis(3000);
    String position = System.getProperty("initialPosition", "TRIM_HORIZON");
    if (position.equals("AT_TIMESTAMP")) configuration.withTimestampAtInitialPositionInStream(new Date(0));
    else configuration.withInitialPositionInStream(InitialPositionInStream.valueOf(position));
    new Worker.Builder()
        .recordProcessorFactory(ReferenceWorker::new)
        .config(configuration)
        .metricsFactory(new NullMetricsFactory())
        .build()
        .run();
  }

  @Override
  public void initialize(InitializationInput input) {}

  @Override
  public void processRecords(ProcessRecordsInput input) {
    for (Record record : input.getRecords()) {
      lines.println("record " + StandardCharsets.UTF_8.decode(record.getData()));
      if (COUNT.incrementAndGet() == CHECKPOINT_AT) checkpoint(() -> input.getCheckpointer().checkpoint(record));
    }
    if (CHECKPOINT_AT == 0) checkpoint(() -> input.getCheckpointer().checkpoint());
  }

  @Override
  public void shutdown(ShutdownInput input) {
    if (input.getShutdownReason() == ShutdownReason.TERMINATE) checkpoint(() -> input.getCheckpointer().checkpoint());
  }

  private interface Checkpoint {
    void write() throws Exception;
  }

  private static void checkpoint(Checkpoint checkpoint) {
    try {
      checkpoint.write();
    } catch (Exception exception) {
      lines.println("failed " + exception);
    }
  }
}
