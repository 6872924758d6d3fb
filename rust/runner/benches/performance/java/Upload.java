import com.azure.core.util.BinaryData;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobClientBuilder;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobServiceClientBuilder;
import com.azure.storage.blob.sas.BlobSasPermission;
import com.azure.storage.blob.sas.BlobServiceSasSignatureValues;
import com.azure.storage.common.StorageSharedKeyCredential;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Arrays;

/**
 * Uploads files one by one, each with a signature of its own, and prints the seconds and the CPU-seconds that it took.
 * Arguments: endpoint, account, key, container, files.
 */
public class Upload {

    private static final int WARM_UP = 50;

    public static void main(String[] arguments) {
        var credential = new StorageSharedKeyCredential(arguments[1], arguments[2]);
        var service = new BlobServiceClientBuilder().endpoint(arguments[0]).credential(credential).buildClient();
        var container = service.getBlobContainerClient(arguments[3]);
        warmUp(container);
        long start = System.nanoTime();
        Duration cpu = cpu();
        Arrays.stream(arguments).skip(4).map(Path::of).forEach(file -> upload(container, file));
        System.out.println((System.nanoTime() - start) / 1e9 + " " + cpu().minus(cpu).toMillis() / 1e3);
        System.exit(0);
    }

    /** As in a worker that has run for a while: its code is compiled. */
    private static void warmUp(BlobContainerClient container) {
        for (int n = 0; n < WARM_UP; n++) {
            signed(container.getBlobClient("java/warm-up")).upload(BinaryData.fromString("warm"), true);
        }
    }

    private static void upload(BlobContainerClient container, Path file) {
        var blob = container.getBlobClient("java/" + file.getFileName());
        signed(blob).uploadFromFile(file.toString(), true);
    }

    private static BlobClient signed(BlobClient blob) {
        var permission = new BlobSasPermission().setReadPermission(true).setWritePermission(true).setCreatePermission(true);
        var values = new BlobServiceSasSignatureValues(OffsetDateTime.now().plusHours(1), permission);
        return new BlobClientBuilder().endpoint(blob.getBlobUrl()).sasToken(blob.generateSas(values)).buildClient();
    }

    private static Duration cpu() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }
}
