console.log('probe')
