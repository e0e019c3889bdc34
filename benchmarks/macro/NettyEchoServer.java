import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;
import java.net.InetSocketAddress;

/** The same framed echo server on Netty NIO with one worker thread, for the comparison in framed-echo.bench.ts. */
public final class NettyEchoServer {
  public static void main(String[] args) throws Exception {
    Channel server = new ServerBootstrap()
        .group(new NioEventLoopGroup(1), new NioEventLoopGroup(1))
        .channel(NioServerSocketChannel.class)
        .childOption(ChannelOption.TCP_NODELAY, true)
        .childHandler(new ChannelInitializer<SocketChannel>() {
          @Override
          protected void initChannel(SocketChannel channel) {
            channel.pipeline().addLast(
                new LengthFieldBasedFrameDecoder(1 << 20, 0, 4, 0, 4),
                new LengthFieldPrepender(4),
                new ChannelInboundHandlerAdapter() {
                  @Override
                  public void channelRead(ChannelHandlerContext ctx, Object msg) {
                    ctx.write(msg, ctx.voidPromise());
                  }

                  @Override
                  public void channelReadComplete(ChannelHandlerContext ctx) {
                    ctx.flush();
                  }
                });
          }
        })
        .bind("127.0.0.1", 0).sync().channel();
    System.out.println("listening on 127.0.0.1:" + ((InetSocketAddress) server.localAddress()).getPort());
    server.closeFuture().sync();
  }
}
