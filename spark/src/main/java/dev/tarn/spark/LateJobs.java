package dev.tarn.spark;

import java.util.Properties;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.connect.service.SparkListenerConnectOperationCanceled;
import org.apache.spark.sql.connect.service.SparkListenerConnectOperationFailed;

/**
 * Ends jobs of operations that have ended. Spark cancels the jobs an operation has at the moment it
 * is interrupted; adaptive execution may submit a stage on another thread just after, and that one
 * would hold the cores for as long as it likes. Whichever of the two events comes first here, the
 * other finds it.
 */
final class LateJobs extends SparkListener {
  private static final String REASON = "its operation has ended";

  private final SparkContext context;
  private final Recent<String, Boolean> ended = new Recent<>(1000);

  LateJobs(SparkContext context) {
    this.context = context;
  }

  @Override
  public void onOtherEvent(SparkListenerEvent event) {
    if (event instanceof SparkListenerConnectOperationCanceled canceled) {
      end(canceled.jobTag());
    } else if (event instanceof SparkListenerConnectOperationFailed failed) {
      end(failed.jobTag());
    }
  }

  private void end(String tag) {
    ended.put(tag, true);
    context.cancelJobsWithTag(tag, REASON);
  }

  @Override
  public void onJobStart(SparkListenerJobStart job) {
    Properties properties = job.properties();
    String tags = properties == null ? null : properties.getProperty("spark.job.tags");
    if (tags != null) {
      for (String tag : tags.split(",", -1)) {
        if (ended.get(tag) != null) {
          context.cancelJob(job.jobId(), REASON);
        }
      }
    }
  }
}
