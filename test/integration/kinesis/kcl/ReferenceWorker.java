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
import java.nio.charset.StandardCharsets;

/** A KCL 1.x worker that prints every record it is given. Arguments: Kinesis URL, DynamoDB URL, stream, table, worker id. */
public class ReferenceWorker implements IRecordProcessor {
  public static void main(String[] arguments) {
    AWSCredentialsProvider credentials =
        new AWSStaticCredentialsProvider(new BasicAWSCredentials("test", "test"));
    KinesisClientLibConfiguration configuration =
        new KinesisClientLibConfiguration(arguments[3], arguments[2], credentials, arguments[4])
            .withKinesisEndpoint(arguments[0])
            .withDynamoDBEndpoint(arguments[1])
            .withRegionName("us-east-1")
            .withInitialPositionInStream(InitialPositionInStream.TRIM_HORIZON)
            .withFailoverTimeMillis(3000)
            .withIdleTimeBetweenReadsInMillis(300)
            .withParentShardPollIntervalMillis(1000)
            .withShardSyncIntervalMillis(3000);
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
      System.out.println("record " + StandardCharsets.UTF_8.decode(record.getData()));
    }
    try {
      input.getCheckpointer().checkpoint();
    } catch (Exception exception) {
      System.out.println("failed " + exception);
    }
  }

  @Override
  public void shutdown(ShutdownInput input) {
    if (input.getShutdownReason() != ShutdownReason.TERMINATE) return;
    try {
      input.getCheckpointer().checkpoint();
    } catch (Exception exception) {
      System.out.println("failed " + exception);
    }
  }
}
